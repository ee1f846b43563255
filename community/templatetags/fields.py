"""Form controls as the design wants them."""

from django import template
from django.forms import BoundField

register = template.Library()


@register.filter
def without_placeholder(field: BoundField) -> BoundField:
    """``field`` without a placeholder: a label that vanishes while typing is none."""
    field.field.widget.attrs.pop("placeholder", None)
    return field
