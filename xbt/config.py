"""Every setting of the application, as one frozen object read from the environment (``XBT_…``).

Promises that a value is checked once, at start, and never changes while the program runs. Refuses to hold
a secret itself: secrets are files under ``<data_dir>/secrets``, made by ``xbt init``, readable by their
owner only, and outside every backup of the database.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from xbt.domain.errors import NotInitialised


def _under_data(name: str) -> Any:
    return Field(default_factory=lambda data: data["data_dir"] / name)


def _sqlite_url(data: dict[str, Any]) -> str:
    return f"sqlite:///{(data['data_dir'] / 'xbt.sqlite3').absolute()}"


class Settings(BaseSettings):
    """Paths, limits and defaults; see `docs/configuration.md` for what each one means to a laboratory."""

    model_config = SettingsConfigDict(env_prefix="XBT_", frozen=True, extra="ignore")

    data_dir: Path = Path("var")
    database_url: str = Field(default_factory=_sqlite_url)
    libraries_dir: Path = _under_data("libraries")
    ladders_dir: Path = _under_data("ladders")
    blobs_dir: Path = _under_data("blobs")
    quarantine_dir: Path = _under_data("quarantine")
    secret_key_file: Path = _under_data("secrets/secret_key")
    pepper_file: Path = _under_data("secrets/pepper")
    library_key_file: Path = _under_data("secrets/library_key")
    library_keys_file: Path = _under_data("library_keys.txt")  # of others whose libraries are trusted

    base_url: str = "http://127.0.0.1:8000"
    proxy_hops: int = Field(default=0, ge=0, le=5)  # reverse proxies whose X-Forwarded-* headers are true
    default_language: Literal["fr", "en"] = "fr"

    ticket_days: int = Field(default=90, ge=7, le=365)
    max_upload_mb: int = Field(default=512, ge=1, le=4096)
    daily_files_user: int = Field(default=200, ge=1)
    daily_gb_user: float = Field(default=20.0, gt=0.0)
    daily_files_site: int = Field(default=500, ge=1)
    daily_gb_site: float = Field(default=50.0, gt=0.0)
    min_free_share: float = Field(default=0.10, ge=0.0, lt=1.0)
    min_free_gb: float = Field(default=10.0, ge=0.0)
    child_memory_mb: int = Field(default=2048, ge=256)
    child_seconds: int = Field(default=120, ge=1)
    sandbox_require_no_network: bool = False
    lease_seconds: int = Field(default=60, ge=1)

    @property
    def heartbeat_file(self) -> Path:
        """Touched by every living worker; its age tells `xbt doctor` whether one is at work."""
        return self.data_dir / "worker.heartbeat"

    def pepper(self) -> bytes:
        """The key that hardens stored ticket hashes against a stolen database.

        Raises
        ------
        NotInitialised : code ``secret_missing``.
        """
        return _secret(self.pepper_file)

    def secret_key(self) -> str:
        """The key that signs browser sessions.

        Raises
        ------
        NotInitialised : code ``secret_missing``.
        """
        return _secret(self.secret_key_file).decode("ascii")


def _secret(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotInitialised("secret_missing", file=path.name, remedy="run: xbt init") from None


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process: environment first, then defaults; ``overrides`` win over both.

    Raises
    ------
    pydantic.ValidationError : a value is of the wrong kind or out of range.
    """
    return Settings(**overrides)
