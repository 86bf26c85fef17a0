"""What hubs measure, also into VictoriaMetrics, for the graphs that people have already."""
