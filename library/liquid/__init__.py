"""LC-MS runs: what they contain (`contents`), from what was measured, what it matched, what is said of it."""
