"""Simulated devices of a site on real registers: an oracle that shares no code with the edge agent.

One site is one Modbus/TCP server (one port) with four unit ids:

==== ============ ================================================================================
unit device       SunSpec models from register 40000
==== ============ ================================================================================
1    grid meter   1, 701. Model 701 rather than a meter model 20x/21x: its sign is defined (injection
                  positive), its counters are 64 bits wide (here 0.01 Wh), its frequency 32 bits (1 mHz)
2    battery      1, 701, 702, 704, 713
3    PV inverter  1, 701, 702, 704
4    EVSE         1, 701, 702, 704, 713, where 713 speaks of the session: WHRtg is the energy that the
                  driver asked for, WHAvail what has been delivered; both are 0 without a vehicle
==== ============ ================================================================================

The connection is single-phase at 240 V: LNV and LLV both give the voltage at the terminals. Control is
model 704: WSet (W, injection positive) and WMaxLimPct (of WMaxRtg; of WChaRteMaxRtg where the device
absorbs), each with its reversion timer.
"""
