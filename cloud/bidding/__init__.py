"""Stage 4: the optimal plan, the offers, the awards and the plan that keeps them."""
