"""Hypothesis counts examples, not seconds: a busy machine draws and checks slowly, and nothing is wrong."""

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
