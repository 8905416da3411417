"""Where the fleet's flexibility is sold: the product catalogue and the counterparties' adapters."""
