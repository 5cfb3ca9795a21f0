from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest

from allegro.accounts.jobs import send_verification
from allegro.accounts.models import StaffLink, User
from allegro.accounts.super_admins import why_not_super_admin
from allegro.history import HistoryAdmin
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class UserAddForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "name")
        field_classes: ClassVar[dict[str, Any]] = {}  # Django's own form declares one for a user name


class UserEditForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User
        field_classes: ClassVar[dict[str, Any]] = {}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Staff accounts. Only a superuser may give rights or touch another superuser, or else anybody could become one."""

    add_form = UserAddForm
    form = UserEditForm
    list_display = ("email", "name", "is_staff", "verified", "super_admin", "is_active")
    list_filter = ("is_staff", "is_superuser", "is_active", ("email_verified_at", admin.EmptyFieldListFilter))
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("verification", "super_admin_state", "last_login", "created_at")
    actions = ("send_verification_link",)
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        ("State", {"fields": ("is_active", "verification", "super_admin_state")}),
        ("Rights", {"fields": RIGHTS}),
        ("Times", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),
    )

    @admin.display(boolean=True, description="verified")
    def verified(self, user: User) -> bool:
        return user.is_email_verified

    @admin.display(boolean=True, description="super admin")
    def super_admin(self, user: User) -> bool:
        return not why_not_super_admin(user)

    @admin.display(description="e-mail verification")
    def verification(self, user: User) -> str:
        if user.is_email_verified:
            return f"Verified on {user.email_verified_at:%Y-%m-%d at %H:%M} UTC."
        if user.verified_email and user.verified_email != user.email:
            return f"Not verified: {user.verified_email} was, and the address has changed since."
        return "Not verified. The action 'Send verification link' mails a link to the address."

    @admin.display(description="super admin")
    def super_admin_state(self, user: User) -> str:
        return why_not_super_admin(user) or "Yes: this account may see Horizon."

    @admin.action(description="Send verification link", permissions=["change"])
    def send_verification_link(self, request: HttpRequest, users: QuerySet[User]) -> None:
        wanting = [user for user in users if user.is_active and not user.is_email_verified]
        try:
            for user in wanting:
                dispatch(send_verification, user.pk)
        except QueueUnavailable as error:
            self.message_user(request, f"Not every link was queued. {error}", messages.ERROR)
            return
        skipped = len(users) - len(wanting)
        note = f" {skipped} verified or not active and left out." if skipped else ""
        unit = "link" if len(wanting) == 1 else "links"
        level = messages.SUCCESS if wanting else messages.WARNING
        self.message_user(request, f"{len(wanting)} verification {unit} queued.{note}", level)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if is_superuser(request) else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and may_touch(request, obj)


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def may_touch(request: HttpRequest, user: User | None) -> bool:
    """Whether the one who asks has every right that this account has."""
    return user is None or not user.is_superuser or is_superuser(request)


@admin.register(StaffLink)
class StaffLinkAdmin(HistoryAdmin):
    list_display = ("email", "requested_at", "sent_at", "used_at", "voided_at", "expires_at")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), ("used_at", admin.EmptyFieldListFilter))
    search_fields = ("email",)
    date_hierarchy = "requested_at"
    exclude = ("token_hash", "network")
