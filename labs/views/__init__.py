"""The labs' pages, a module for each group of them."""
