"""A small simulated network to look at and click through; never real data, and never beside real data."""
