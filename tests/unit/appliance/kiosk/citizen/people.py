"""Made-up residents who log in, and one of whom nobody knows."""

from appliance.kiosk.actors import Actor

CLERK = Actor("siti", "operator")
WAYAN, MADE, STRANGER = "5103011708900001", "5103015203850002", "5103010101010009"
PIN = "482913"
