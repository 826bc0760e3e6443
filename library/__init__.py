"""What a substance is and how to recognise one in a measurement."""
