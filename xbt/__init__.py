"""The laboratory's record: samples, analyses, decisions, results."""
