"""Infrared and Raman spectra: what they contain (`contents`), from the mixture of references they are."""
