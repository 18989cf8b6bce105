"""Sign-in, second factors, consent and password pages, over mithril-api."""
