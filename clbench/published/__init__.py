"""Published figures, and what our runs under the same protocol say of them."""
