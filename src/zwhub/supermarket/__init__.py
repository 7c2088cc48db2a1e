"""The licence supermarket (证照超市): what a holder need not bring, and why."""
