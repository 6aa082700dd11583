"""How much of what programs executed was rewritten: from reports of the stat tool."""


class Shares:
    """Sums over reports: sites that were executed, by process, and calls."""

    def __init__(self):
        self.calls = self.trapped = self.rewritten = self.processes = 0
        self.refused = {}

    def add(self, report):
        self.calls += report["total"]["calls"]
        self.trapped += report["trapped"]
        self.rewritten += report["sites"]["rewritten"]
        self.processes += len(report["processes"]) + report["others"]["processes"]
        for reason, sites in report["sites"]["refused"].items():
            if sites:
                self.refused[reason] = self.refused.get(reason, 0) + sites

    def executed(self):
        return self.rewritten + sum(self.refused.values())

    def sites(self):
        """Of the executed sites, in percent."""
        return 100 * self.rewritten / max(self.executed(), 1)

    def fast(self):
        """Of the calls, those by the fast path, in percent."""
        return 100 * (1 - min(self.trapped / max(self.calls, 1), 1))

    def settled(self):
        """The same without one trap for each site that was rewritten: the first call of a site has to trap."""
        return 100 * (1 - min(max(self.trapped - self.rewritten, 0) / max(self.calls, 1), 1))
