"""A gateway of our own that speaks SMSECO's API, to try against. It shares no line with the client in worker/smseco."""
