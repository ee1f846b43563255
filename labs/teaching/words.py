"""What the scripts of the wall and of a watched terminal say, in the page's language."""

from django.utils.translation import gettext as _

Words = dict[str, str | dict[str, str]]


def wall_words() -> Words:
    """Every phrase by name, as labs.script_words has them."""
    return {
        "wall_no_lab": _("in no lab now"),
        "wall_step": _("Step {place} of {total}: {step}"),
        "wall_done": _("every check passes"),
        "wall_minutes": {"one": _("{count} minute in this step"), "many": _("{count} minutes in this step")},
        "wall_failures": {
            "one": _("failed {count} time in a row"),
            "many": _("failed {count} times in a row"),
        },
        "wall_fell": _("Passed before, fails now: {checks}"),
        "wall_stuck": _("Stuck"),
        "wall_hand": _("Hand up since {time}: {words}"),
        "wall_exam": _("Exam"),
        "wall_lower": _("Lower the hand"),
        "wall_open": _("Look at {name}'s terminals"),
        "wall_tell": _("Tell {name}"),
        "wall_message": _("Words or a hint for {name}"),
        "wall_message_all": _("Words or a hint for everybody in a lab now"),
        "wall_picture": _("Terminal {node} of {name}"),
        "wall_sent": {"one": _("It reached {count} learner."), "many": _("It reached {count} learners.")},
        "wall_summary": _("{inside} of {count} are in a lab; {hands} hands are up, {stuck} are stuck."),
        "wall_lost": _("Connection lost; the wall is not live at the moment."),
        "watch_reading": _("You are looking on; what you type goes nowhere."),
        "watch_asked": _("{name} was asked. You can type as soon as they allow it."),
        "watch_typing": _("You may type until {time}; {name} sees that it is you."),
        "rest_failed": _("The server answered with an error ({status}). Try again in a moment."),
        "rest_unreachable": _("The server cannot be reached. Check your connection, then try again."),
    }
