"""E-mail addresses of members: what is accepted, and the one form that is stored."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy

LONGEST = 254

MALFORMED = gettext_lazy("That is not an e-mail address. It should look like name@example.com.")


def clean_address(given: str) -> str:
    """The address in the form that is stored: plain ASCII in lower case.

    Letters outside ASCII are refused, not mapped: mapping makes look-alikes equal, and mail would go to somebody else.
    Quoted names and domain literals are refused too; nobody's inbox needs them.

    Raises:
        ValidationError: it is not one plain address.
    """
    address = given.strip(" ")
    if not address.isascii() or len(address) > LONGEST or '"' in address or "[" in address:
        raise ValidationError(MALFORMED)
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValidationError(MALFORMED) from error
    return address.lower()
