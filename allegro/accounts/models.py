"""Staff users. (Members of an audience are not users; they live in ``allegro.audience``.)"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy

from allegro.mailed_links import MailedLink


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who may sign in to the admin site."""

    email = models.EmailField(gettext_lazy("e-mail address"), max_length=254, unique=True)
    name = models.CharField(gettext_lazy("name"), max_length=150, blank=True)
    is_staff = models.BooleanField(gettext_lazy("staff status"), default=False)
    is_active = models.BooleanField(gettext_lazy("active"), default=True)
    email_verified_at = models.DateTimeField(gettext_lazy("e-mail verified at"), null=True, blank=True)
    verified_email = models.EmailField(
        "verified address",
        max_length=254,
        blank=True,
        editable=False,
        help_text=gettext_lazy(
            "The address that was verified. Another address in its place is not verified, however it got there."
        ),
    )
    created_at = models.DateTimeField(gettext_lazy("created at"), default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = gettext_lazy("user")
        verbose_name_plural = gettext_lazy("users")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="one_user_per_address"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Another address drops the verification, for good: changing it back brings nothing back."""
        if self.email_verified_at is not None and self.verified_email != self.email:
            self.email_verified_at = None
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "email_verified_at"}
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name or self.email

    @property
    def is_email_verified(self) -> bool:
        """Whether the address as it is now has been verified."""
        return self.email_verified_at is not None and bool(self.email) and self.verified_email == self.email

    def verify_email(self, at: datetime) -> None:
        """Count the present address as verified; the caller saves."""
        self.email_verified_at = at
        self.verified_email = self.email


class StaffLink(MailedLink):
    """One request of somebody who says that they are staff."""

    next_url = models.CharField(gettext_lazy("goes on to"), max_length=500, blank=True)

    class Meta(MailedLink.Meta):
        verbose_name = gettext_lazy("staff link")
        verbose_name_plural = gettext_lazy("staff links")
        abstract = False
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["email", "requested_at"], name="staff_link_by_address"),
            models.Index(fields=["network", "requested_at"], name="staff_link_by_network"),
        ]
