"""Records with moments in every time zone that pytz, zoneinfo, dateutil and Zope's DateTime can write.

Prints one line of JSON, a list of {"name", "record", "moments": [[name of the zone, microseconds since 1970]]}. The
microseconds are null if the record does not hold the offset of the zone, so only its reader's tables have it.
"""
import datetime
import io
import json
import os
import pickle
import time
import zoneinfo

import dateutil.zoneinfo
import pytz
import pytz.tzinfo
from DateTime import DateTime
from DateTime.pytz_support import PytzCache
from dateutil import tz
from python2_pickler import Python2Pickler

utc = datetime.timezone.utc
epoch = datetime.datetime(1970, 1, 1, tzinfo=utc)
instants = [datetime.datetime(*fields, tzinfo=utc) for fields in (
    (1901, 1, 1), (1970, 1, 1), (2024, 1, 15, 12), (2024, 7, 15, 12), (2024, 10, 27, 0, 30), (2024, 10, 27, 1, 30))]
offsets = range(-1439, 1440, 119)


def moments(zone):
    return [instant.astimezone(zone) for instant in instants]


def zones():
    """Name, moments, whether the record holds the offset, whether Python 2 could write it."""
    for name in pytz.all_timezones:
        zone = pytz.timezone(name)
        held = zone is pytz.utc or isinstance(zone, pytz.tzinfo.DstTzInfo)
        yield 'pytz ' + name, moments(zone), held, name if zone is not pytz.utc else 'UTC', True
        # As given to the constructor by mistake, it has the offset of its first entry.
        yield 'pytz unlocalized ' + name, [datetime.datetime(2024, 7, 1, tzinfo=zone)], held, name, True
    for minutes in offsets:
        fixed = pytz.FixedOffset(minutes)
        yield 'pytz %d' % minutes, moments(fixed), True, 'UTC' if fixed is pytz.utc else None, True
        delta = datetime.timedelta(minutes=minutes)
        yield 'timezone %d' % minutes, moments(datetime.timezone(delta, 'there')), True, 'there', False
        yield 'tzoffset %d' % minutes, moments(tz.tzoffset('there', delta)), True, 'there', True
    yield 'timezone.utc', moments(utc), True, None, False
    yield 'tzutc', moments(tz.tzutc()), True, 'UTC', True
    for name in sorted(zoneinfo.available_timezones()):
        yield 'zoneinfo ' + name, moments(zoneinfo.ZoneInfo(name)), False, name, False
        zone = tz.gettz(name)
        if zone is not None and not isinstance(zone, tz.tzutc):
            yield 'dateutil ' + name, moments(zone), False, name, True
    berlin = tz.gettz('Europe/Berlin')._filename
    yield 'tzfile', moments(tz.tzfile(berlin)), False, 'Europe/Berlin', True
    with open(berlin, 'rb') as file:
        yield 'tzfile of a program', moments(tz.tzfile(file, filename='/srv/zone')), False, '/srv/zone', True
    marked = tz.tzfile(berlin)
    marked.mark = 'of a program'
    yield 'tzfile with an attribute', moments(marked), False, 'Europe/Berlin', True
    packaged = dateutil.zoneinfo.get_zonefile_instance().get('Europe/Berlin')
    # Before version 4 it has the name of any zone with the same rules.
    yield 'tzfile of the package', moments(packaged), False, getattr(packaged, '_key', packaged._filename), True
    for rule, held in (('EST5EDT', False), ('CET-1CEST,M3.5.0,M10.5.0/3', False), ('UTC+3', True)):
        yield 'tzstr ' + rule, moments(tz.tzstr(rule)), held, rule, True
    yield 'tzrange', moments(tz.tzrange('CET', 3600, 'CEST')), False, None, True
    yield 'tzrange without a change', moments(tz.tzrange('CET', 3600)), True, 'CET', True
    for local, held, name in (('MST7', True, 'MST'), ('CET-1CEST', False, None)):
        os.environ['TZ'] = local
        time.tzset()
        yield 'tzlocal ' + local, moments(tz.tzlocal()), held, name, True


def micros(moment):
    return (moment - epoch) // datetime.timedelta(microseconds=1)


def records(value, has_python2):
    for protocol in (2, 3, 4, 5):
        yield 'protocol %d' % protocol, pickle.Pickler, protocol
    for protocol in (1, 2) if has_python2 else ():
        yield 'Python 2, protocol %d' % protocol, Python2Pickler, protocol


def written(name, value, expected, has_python2):
    for kind, pickler, protocol in records(value, has_python2):
        # dateutil writes its whole table: enough once for each generation.
        if name.startswith('dateutil ') and kind not in ('protocol 3', 'Python 2, protocol 1'):
            continue
        file = io.BytesIO()
        both = pickler(file, protocol)
        both.dump(dict)
        try:
            both.dump(value)
        except TypeError:
            # Below protocol 2, dateutil 4 refuses its zones with rules: they have slots.
            assert protocol < 2 and name.startswith(('tzstr', 'tzrange')), name
            continue
        yield {'name': '%s, %s' % (name, kind), 'record': file.getvalue().hex(), 'moments': expected}


def specimens():
    for name, values, held, zone, has_python2 in zones():
        yield from written(name, values, [[zone, micros(value) if held else None] for value in values], has_python2)
    for name in sorted(set(PytzCache()._zlst)):
        for seconds in (-1000000000.25, 0, 1720000000.5):
            try:
                value = DateTime(seconds, name)
            except Exception:
                # It lists names that it cannot use.
                continue
            yield from written('DateTime ' + name, [value], [[value.timezone(), value.micros()]], True)


print(json.dumps([*specimens()]))
