"""What people say of methods, as entries of one line each that records decide."""
