import DOGEngine
print(Status.stale.name)
