"""The door for people: pages rendered on the server, readable without JavaScript, every view and figure with a URL."""
