"""Work in the background: rows in the database, taken by workers under a lease.

Promises that a job is run at least once and ends once, whatever is killed; handlers therefore have to give
the same outcome when run twice. A job that raises `GiveUp` or `UnreadableFile` fails at once and keeps the
error's fields; any other error is tried again, five times in all.
"""

from xbt.jobs.context import GiveUp, Handler, JobContext
from xbt.jobs.queue import enqueue
from xbt.jobs.worker import run_worker

__all__ = ["GiveUp", "Handler", "JobContext", "enqueue", "run_worker"]
