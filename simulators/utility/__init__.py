"""A utility: meter data, peak events over OpenADR 2.0b, and its own settlement of them."""
