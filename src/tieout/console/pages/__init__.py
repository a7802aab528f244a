"""One module per section of the console: its handlers, from the query in the URL to the rendered page."""
