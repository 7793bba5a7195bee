SELECT timestamp, device_id, data_id, kind, level, message FROM core_eventlog WHERE device_id = 1 AND kind <> 'note'
