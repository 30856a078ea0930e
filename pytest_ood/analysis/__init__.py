"""What the results of runs add up to: reports, releases, merged reports and studies."""
