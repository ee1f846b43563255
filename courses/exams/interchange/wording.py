"""What a note or a refusal says, by its code; ``{name}`` is one of its arguments. A door translates the sentence."""


def _(words: str) -> str:
    """Only marks ``words`` for the catalogue; no Django here."""
    return words


MESSAGES: dict[str, str] = {
    # files and packages
    "file_too_large": _("The file is larger than {most} bytes."),
    "file_empty": _("The file is empty."),
    "format_unknown": _("The file is in no format that can be read."),
    "not_utf8": _("The text is not UTF-8; save it as UTF-8 and try again."),
    "encoding_broken": _("The bytes here are no {encoding}."),
    "control_character": _("The text holds the control character {sign}."),
    "too_many_items": _("The file holds more than {most} questions."),
    "too_many_notes": _("More than {most} things cannot be kept; the file is not what it says it is."),
    "no_items": _("The file holds no question."),
    "package_broken": _("The package is no readable zip file: {reason}."),
    "package_too_many_entries": _("The package holds more than {most} files."),
    "package_too_large": _("Unpacked, the package is larger than {most} bytes."),
    "package_entry_too_large": _("Unpacked, {name} is larger than {most} bytes."),
    "package_ratio": _("{name} grows more than {most} times when unpacked."),
    "package_path": _("The package holds a file outside of itself: {name}."),
    "package_link": _("The package holds a link or a device: {name}."),
    "package_encrypted": _("The package is encrypted: {name}."),
    "package_method": _("{name} is packed in a way that is not read; use deflate."),
    "package_twice": _(
        "The package holds {name} twice, or two names that differ only in case or composition."
    ),
    "package_nested": _("{name} is a package in the package; it was not opened."),
    "package_missing": _("The package has no {name}."),
    "package_unused": _("{name} belongs to no question that was read."),
    # XML and HTML
    "xml_broken": _("The XML breaks here: {reason}."),
    "xml_doctype": _("The XML declares a document type or entities, which are not read."),
    "xml_too_deep": _("Elements are nested more than {most} deep."),
    "xml_too_many": _("The file has more than {most} elements."),
    "markup_too_long": _("A text is longer than {most} characters."),
    "markup_element_lost": _("<{name}> and what is in it cannot be kept."),
    "markup_element_changed": _("<{name}> cannot be kept; its words are."),
    "markup_attribute": _('{attribute}="{value}" of <{name}> cannot be kept.'),
    "markup_raised": _("Raised or lowered words are written as {written}."),
    "markup_media_linked": _("<{name}> became a link to {target}."),
    "markup_link": _("The address {target} leads nowhere that is allowed; only its words are kept."),
    "markup_table": _("A table with joined cells or with blocks in its cells was made flat."),
    "markup_differs": _("The text reads a little differently after it was converted; compare it."),
    "markup_formula": _("Formulas in TeX are kept as they are written and not drawn."),
    "media_too_large": _("{name} is larger than {most} bytes."),
    "media_missing": _("{name} is shown but is not in the file."),
    "media_broken": _("The bytes of {name} cannot be read."),
    # questions
    "question_broken": _("The question cannot be read: {reason}."),
    "question_kind": _("A question of the kind {kind} cannot be read; it was left out."),
    "question_not_written": _("{title}: {format} has no questions of the kind {kind}; it was left out."),
    "language_marks": _("The marks of a language are not closed; they were left in the text."),
    "language_lost": _("Only Chinese and English are kept, not {language}: {words}"),
    "number_broken": _("{what} is no number that can be kept: {value}"),
    "option_empty": _("An option has no words; the question was left out."),
    "option_count": _("The question has {count} options, and 2 to {most} can be kept; it was left out."),
    "choice_none_right": _("No answer is right; the question was left out."),
    "choice_several_right": _(
        "One of {count} right options was to be chosen, which cannot be kept; it was left out."
    ),
    "choice_full": _("The best answer was worth {percent} per cent and counts in full now."),
    "choice_percent": _(
        "An option that is not the best was worth {percent} per cent and is worth nothing now: {option}"
    ),
    "choice_rule": _(
        "Options were worth different parts of the marks; now each right one counts the same, less the wrong ones."
    ),
    "text_worth_nothing": _("An answer that is worth nothing was left out: {text}"),
    "text_order": _("The best of all accepted texts counts, not the first that fits: {text}"),
    "text_size": _("A text to accept is empty or longer than {most} characters; the question was left out."),
    "answer_feedback": _("The feedback to the answer {answer} cannot be kept: {feedback}"),
    "number_any": _("Any number would be right; the question was left out."),
    "number_other": _("A second number, worth {percent} per cent, cannot be kept: {number}"),
    "cloze_open": _("An embedded answer is not closed; the question was left out."),
    "cloze_several": _(
        "An embedded answer of several options ({kind}) cannot be kept; the question was left out."
    ),
    "cloze_kind": _("Embedded answers of the kind {kind} are not known; the question was left out."),
    "cloze_languages": _("The gaps differ from one language to the other; the question was left out."),
    "formula_in_text": _("A formula inside the text cannot be kept; the question was left out."),
    "formula_function": _("Formulas cannot use {name}; the question was left out."),
    "formula_broken": _("The formula {formula} has no value ({reason}); the question was left out."),
    "dataset_drawn": _("{name} is drawn from {low} to {high} in steps of {step} now, not from a list."),
    "unit_penalty": _("A missing unit cost {penalty} of the marks and makes the answer wrong now."),
    "ordering_rule": _("An order was marked by the rule {rule}, and by its places now."),
    "description_lost": _("A description is no question; it was left out: {text}"),
    "label_cut": _("{field} was cut to {most} characters."),
    "media_twice": _("{name} is there twice with different bytes; the first one was kept."),
    "seal_broken": _(
        "The question was changed outside; what the file shows was read, and nothing that it does not."
    ),
    "moodle_sealed": _("{title}: Moodle does not show all of {fields}; reading the file back here does."),
    "gift_brace": _("A {sign} of the answers has no partner."),
    "gift_answer": _("This is no answer in GIFT: {answer}"),
    "gift_stray": _("Words stand before the first answer; the question was left out: {words}"),
    "aiken_letter": _("The option {letter} is out of its order."),
    "aiken_answer": _("A line ANSWER: with a letter was expected here: {words}"),
    "aiken_options": _("The question has no words or fewer than two options."),
    "aiken_key": _("The answer {answer} is none of the options."),
    "ids_renumbered": _("{title}: options are named by their places when the file is read again."),
    "fields_not_written": _("{title}: {format} cannot hold all of {fields}."),
    "rubric_added": _("A rubric was needed; one from 0 to 4 points was added."),
    "field_lost": _("{field} cannot be kept: {value}."),
    "field_changed": _("{field} was {before} and is now {after}."),
}
