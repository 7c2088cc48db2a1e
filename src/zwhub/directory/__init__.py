"""The directory (目录): business matters, bodies, regions, licence types, working days."""
