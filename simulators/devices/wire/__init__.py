"""The wire of a simulated device: Modbus over TCP, TLS, a serial line or memory, one protocol behind all."""
