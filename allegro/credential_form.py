"""A form that takes a credential and never gives one back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext, gettext_lazy

from allegro_queue.dashboard.page.formats import in_words


class CredentialForm(forms.ModelForm):
    """For models with a property ``credential``."""

    leads_to: ClassVar[Sequence[str]] = ()
    """Fields that decide where the credential is sent, and how. Whoever changes one has to know the credential, or to do
    without: else it could be had by sending it to a server of one's own."""

    new_credential = forms.CharField(
        label=gettext_lazy("Credential"),
        required=False,
        max_length=2000,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        help_text=gettext_lazy(
            "An API key, a header value, a password. Stored sealed and never shown again; empty keeps the one that is stored."
        ),
    )
    forget_credential = forms.BooleanField(label=gettext_lazy("Forget the stored credential"), required=False)

    def clean(self) -> dict[str, Any] | None:
        """Put the credential in place before the model looks at itself."""
        cleaned = super().clean()
        given = self.cleaned_data.get("new_credential", "").strip()
        if not given.isprintable():
            self.add_error("new_credential", gettext("A credential is one line of text."))
        elif given:
            self.instance.credential = given
        elif self.cleaned_data.get("forget_credential"):
            self.instance.credential = ""
        elif self.instance.credential and (moved := [each for each in self.leads_to if each in self.changed_data]):
            self.add_error(
                "new_credential",
                gettext(
                    "With another {fields} it would be sent elsewhere: give the credential again, or have it forgotten."
                ).format(fields=in_words([str(self.fields[each].label) for each in moved])),
            )
        return cleaned
