"""Indexes over the spectra of a release, one module per kind of spectrum.

Promises: exact answers, never an approximation that can lose the right one. Each module builds plain
arrays that a release stores and maps back into memory.
"""
