"""The public blueprint: every page exists in the browser's language and under ``/fr`` and ``/en``."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, g, request, url_for

from web.locale import LANGUAGES

blueprint = Blueprint("public", __name__)

IN_LANGUAGE = "public_in"
MAX_BODY = 4096  # bytes; a code is 16


def register(app: Flask) -> None:
    """Put the public pages on ``app``, without and with a language in front."""
    app.register_blueprint(blueprint)
    prefix = f"/<any({', '.join(LANGUAGES)}):language>"
    app.register_blueprint(blueprint, url_prefix=prefix, name=IN_LANGUAGE)


@blueprint.url_value_preprocessor
def take_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Keep the language of the path for the whole request; views never see it."""
    g.language = (values or {}).pop("language", None)


@blueprint.url_defaults
def keep_language(endpoint: str, values: dict[str, Any]) -> None:
    """Links from a page under ``/fr`` stay under ``/fr``."""
    if endpoint.startswith(f"{IN_LANGUAGE}.") and "language" not in values:
        values["language"] = g.get("language")


@blueprint.before_request
def refuse_long_bodies() -> None:
    """Nothing sent to a public page is longer than a form."""
    request.max_content_length = MAX_BODY


@blueprint.app_template_global()
def in_language(language: str, page: str = "front", **values: object) -> str:
    """The address of a public page in a language."""
    return url_for(f"{IN_LANGUAGE}.{page}", language=language, **values)  # type: ignore[arg-type]
