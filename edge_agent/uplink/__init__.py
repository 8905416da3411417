"""From the gateway to the cloud and back: a durable outbox, one session, one transport."""
