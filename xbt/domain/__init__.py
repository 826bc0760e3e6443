"""The words of the laboratory as values: no database, no web, no clock of its own."""
