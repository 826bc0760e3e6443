"""Pages for everybody: the code, the result, the alerts. No account, no cookie, no trace."""

from web.public.alerts import alerts, feed
from web.public.blueprint import blueprint, register
from web.public.lookup import front, leave, report, result, ticket

__all__ = ["alerts", "blueprint", "feed", "front", "leave", "register", "report", "result", "ticket"]
