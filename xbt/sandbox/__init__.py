"""The only door for instrument files.

`read_run` lets a file pass the gate, has it read by a confined child process and checks what comes back.
Whatever a file does to its reader, the caller gets a `Run` or an `UnreadableFile`.
"""

from __future__ import annotations

from xbt.sandbox.door import SandboxStatus, keep_warm, read_run, sandbox_status

__all__ = ["SandboxStatus", "keep_warm", "read_run", "sandbox_status"]
