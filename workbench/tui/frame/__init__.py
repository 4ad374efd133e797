"""What stands around every page: the header, the breadcrumbs, the footer."""
