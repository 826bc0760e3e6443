"""Where bytes lie: named by their own hash, written once, never changed."""

from xbt.storage.folder import Blob, BlobStore, BlobTooLarge, FolderStore

__all__ = ["Blob", "BlobStore", "BlobTooLarge", "FolderStore"]
