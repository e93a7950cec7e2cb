"""Health of a run: detectors of mode collapse, overfitting, dead critics and oscillation."""
