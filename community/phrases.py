"""Phrases of the packages below that our own catalogue words better; listed so that makemessages keeps them."""

from django.utils.translation import gettext_noop as _

PHRASES = (
    _("Username or email"),
    _("Email"),
    _("Email address"),
    _("Password (again)"),
    _("New Password"),
    _("New Password (again)"),
    _("Current Password"),
    _("Remember Me"),
    _("Forgot your password?"),
    _("The username and/or password you specified are not correct."),
    _("The email address and/or password you specified are not correct."),
    _("Incorrect password."),
    _("You cannot remove your primary email address."),
    _("The password reset token was invalid."),
    _("Signed out of all other sessions."),
    _("Password successfully changed."),
)
