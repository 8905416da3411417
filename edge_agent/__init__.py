"""The gateway's agent: speaks to the devices of one site, keeps them safe, obeys the cloud within limits."""
