"""What the network notices, and what people decide to publish."""
