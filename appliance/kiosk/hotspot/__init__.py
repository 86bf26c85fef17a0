"""The hotspot for the office: who is online, vouchers, use, and what was done. The portal's keeper knows it all."""
