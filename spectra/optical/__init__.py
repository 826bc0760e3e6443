"""Infrared and Raman spectra of samples: made ready to be compared, and taken apart into materials."""
