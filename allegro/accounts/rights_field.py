"""Rights to choose from in admin, by their names in the reader's language: the database has them in English alone."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.forms import ModelMultipleChoiceField
from django.utils.translation import gettext, gettext_noop

from allegro_queue.wording import worded

USUAL = {
    "add": gettext_noop("Can add {model}"),
    "change": gettext_noop("Can change {model}"),
    "delete": gettext_noop("Can delete {model}"),
    "view": gettext_noop("Can view {model}"),
}
"""Rights that Django makes for each model, by the beginning of their code names."""


class RightsField(ModelMultipleChoiceField):  # type: ignore[type-arg]  # at run time it takes none
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.content_type} | {right_words(obj)}"


def right_words(permission: Permission) -> str:
    """What it allows."""
    act = permission.codename.partition("_")[0]
    model = permission.content_type.model_class()
    if model is not None and act in USUAL and permission.codename == f"{act}_{model._meta.model_name}":
        return worded(gettext(USUAL[act]), model=model._meta.verbose_name)
    return gettext(permission.name)
