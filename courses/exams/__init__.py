"""Questions, papers, sittings and what becomes of them: everything about exams that is no page and no row."""
