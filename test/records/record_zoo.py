"""Records of everything that ZODB and pickle can write, each with a description of the objects themselves.

Prints one line of JSON: a list of {"name", "record", "class", "newArgs", "state", "references", "content"}. The
descriptions come from the objects and never from the pickles; `describe.ts` describes what was decoded in the same way.
"""
import _compat_pickle
import collections
import copyreg
import datetime
import decimal
import enum
import fractions
import io
import json
import math
import pickle
import struct
import sys
import types
import uuid

import BTrees
import BTrees.Length
import transaction
import zodbpickle.pickle
import zodbpickle.slowpickle
from BTrees import family32, family64
from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from persistent.wref import PersistentWeakKeyDictionary, WeakRef
import ZODB
from python2_pickler import Python2Pickler
from ZODB.MappingStorage import MappingStorage
from ZODB.serialize import referencesf

# The classes of the zoo need a module that pickle can name, in this process only.
zoo = types.ModuleType('zoo.animals')
sys.modules['zoo'] = types.ModuleType('zoo')
sys.modules['zoo.animals'] = zoo


def animal(cls):
    cls.__module__ = 'zoo.animals'
    setattr(zoo, cls.__name__, cls)
    return cls


@animal
class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


@animal
class Slotted:
    __slots__ = ('left', 'right')


@animal
class SlottedChild(Slotted):
    pass


@animal
class Aloof:
    """Has a state of its own kind."""

    def __getstate__(self):
        return [1, 'state']

    def __setstate__(self, state):
        pass


@animal
class Demanding:
    """Wants arguments, some of them by name."""

    def __new__(cls, first, *, second):
        self = super().__new__(cls)
        self.first, self.second = first, second
        return self

    def __getnewargs_ex__(self):
        return (self.first,), {'second': self.second}


@animal
class Plants(list):
    pass


@animal
class Names(dict):
    pass


@animal
class Number(int):
    pass


@animal
class Colour(enum.Enum):
    RED = 'red'


@animal
class Tame(Persistent):
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


@animal
class Named(Persistent):
    """References to it consist of the oid only, and its records have arguments."""

    def __init__(self, name):
        self.name = name

    def __new__(cls, *args):
        return super().__new__(cls)

    def __getnewargs__(self):
        return (self.name, 7)


@animal
class SlottedPersistent(Persistent):
    __slots__ = ('slot', '__dict__')


Point = collections.namedtuple('Point', 'x y')
animal(Point)


def function():
    pass


function.__module__ = 'zoo.animals'
zoo.function = function


@animal
class Ünïcode:
    pass


def values(protocol):
    """Name and value; what pickle or ZODB cannot write in that protocol is left out."""
    shared = ['shared']
    circle = []
    circle.append(circle)
    tuple_circle = ([],)
    tuple_circle[0].append(tuple_circle)
    long_tuple_circle = ([], 1, 2, 3)
    long_tuple_circle[0].append(long_tuple_circle)
    parent = Plain(name='parent')
    parent.children = [Plain(name='child', parent=parent) for _ in range(3)]
    slotted = Slotted()
    slotted.left = 1
    slotted_child = SlottedChild()
    slotted_child.right, slotted_child.free = 'r', [1]
    plants = Plants([1, 'oak'])
    plants.garden = 'north'
    deep = None
    for _ in range(60):
        deep = [deep]
    error = ValueError('wrong', 3)
    error.extra = 'attribute'
    zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30), 'Newfoundland')
    east = datetime.timezone(datetime.timedelta(hours=5, minutes=45, seconds=10))
    yield from {
        'scalars': [None, True, False, '', 'text', 0, 1, -1],
        'integers': [sign * (2 ** bits + extra) for bits in (7, 8, 15, 16, 31, 32, 47, 48, 53, 63, 64, 200, 2100)
                     for sign in (1, -1) for extra in (-1, 0, 1)],
        'floats': [0.0, -0.0, 0.1, -1.5e300, 5e-324, math.inf, -math.inf, math.nan, 1e16, 3.0],
        'text': ['ä', '\u20ac', '\U0001f600', 'line\nbreak', 'back\\slash', '\\u0041', '\x00', '\ufeff', 'x' * 300],
        'surrogates': ['\ud800', 'a\udfffb', '\udc80\udc81', 'é\ud83d'],
        'bytes': [b'', b'ascii', bytes(range(256)), b'\xff' * 300, b"quo'te", b'quo"\'te', b'new\nline\\'],
        'bytearray': [bytearray(b'ab\xff'), bytearray()],
        'tuples': [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), ((),))],
        'lists': [[], [1], list(range(1100)), [[[]]]],
        'dicts': [{}, {'a': 1}, {1: 'a', 'b': 2, None: 3, (1, 2): 4, 1.5: 5, b'by\xfftes': 6}, {'__proto__': {'x': 1}},
                  {str(i): i for i in range(1100)}],
        'sets': [set(), {1, 'a', None}, frozenset(), frozenset([1, 2]), {frozenset(['in'])}, set(range(1100))],
        'complex': [2 + 3j, -0.5j],
        'decimals': [decimal.Decimal(text) for text in
                     ('1.50', '-0', '1E+3', 'NaN', 'sNaN12', '-Infinity', '0.' + '1' * 90, '1' * 300)],
        'dates': [datetime.date(1, 1, 1), datetime.date(2024, 2, 29), datetime.date(9999, 12, 31)],
        'times': [datetime.time(0), datetime.time(23, 59, 59, 999999), datetime.time(1, 2, 3, tzinfo=east)],
        'datetimes': [datetime.datetime(2024, 2, 29, 23, 59, 59, 1), datetime.datetime(1, 1, 1),
                      datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc),
                      datetime.datetime(2024, 2, 29, 1, 2, 3, 999999, zone),
                      datetime.datetime(2024, 2, 29, 1, 2, 3, 45, east)],
        'timedeltas': [datetime.timedelta(), datetime.timedelta(-1, 2, 3), datetime.timedelta(999999999, 86399, 999999),
                       datetime.timedelta(microseconds=-1)],
        'timezones': [datetime.timezone.utc, zone, east],
        'shared': [shared, shared, {'again': shared}, (shared,)],
        'circle': circle,
        'circle through a tuple': tuple_circle,
        'circle through a long tuple': long_tuple_circle,
        'circle of objects': parent,
        'deep': deep,
        'object': Plain(a=1, b=[2], c={'d': Plain()}),
        'empty object': Plain(),
        'name beyond ASCII': Ünïcode() if protocol >= 3 else None,
        'slots': slotted if protocol >= 2 else None,
        'slots and attributes': slotted_child if protocol >= 2 else None,
        'state of its own kind': Aloof(),
        'list subclass': plants,
        'dict subclass': Names(a=1, b=2),
        'int subclass': Number(5),
        'named tuple': Point(1, 'y'),
        'enum': Colour.RED,
        'exception': error,
        'ordered dict': collections.OrderedDict([('z', 1), ('a', 2)]),
        'default dict': collections.defaultdict(list, {'a': [1]}),
        'counter': collections.Counter('aab'),
        'deque': collections.deque([1, 2], 5),
        'fraction': fractions.Fraction(1, 3),
        'uuid': uuid.UUID(int=2 ** 100 + 5),
        'range': range(1, 10, 2),
        'classes and functions': [Plain, zoo.function, dict, collections.OrderedDict, len],
        'arguments by name': Demanding(1, second=2) if protocol >= 2 else None,
    }.items()


class Describer:
    """Turns objects into JSON. What is met again is {"again": n}, n counting the containers in the order of the walk."""

    def __init__(self, protocol, persistent=None, ascii_is_text=False):
        self.protocol = protocol
        self.persistent = persistent
        self.ascii_is_text = ascii_is_text
        self.numbers = {}
        self.alive = []

    def __call__(self, value):
        reference = self.persistent and self.persistent(value)
        if reference:
            return reference
        if value is None or isinstance(value, bool):
            return value
        kind = type(value)
        simple = getattr(self, 'describe_' + kind.__name__, None)
        if simple is not None and kind.__module__ in ('builtins', 'datetime', 'decimal', 'uuid'):
            return simple(value)
        if isinstance(value, type) or kind.__name__ in ('function', 'builtin_function_or_method'):
            return {'global': self.global_name(value)}
        return self.numbered(value, self.describe_object)

    def describe_str(self, value):
        return value

    def describe_int(self, value):
        return {'number': str(value)}

    def describe_float(self, value):
        return {'number': number(value)}

    def describe_bytes(self, value):
        if self.ascii_is_text and value.isascii():
            return value.decode('ascii')
        return {'bytes': value.hex()}

    def describe_bytearray(self, value):
        return {'bytes': bytes(value).hex()}

    def describe_complex(self, value):
        return {'complex': [number(value.real), number(value.imag)]}

    def describe_Decimal(self, value):
        return {'decimal': str(value)}

    def describe_UUID(self, value):
        return {'uuid': str(value)}

    def describe_date(self, value):
        return {'date': value.isoformat()}

    def describe_time(self, value):
        return {'time': value.isoformat()}

    def describe_datetime(self, value):
        result = {'datetime': value.isoformat()}
        if value.tzinfo is not None:
            epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
            result['ms'] = (value - epoch) // datetime.timedelta(milliseconds=1)
        return result

    def describe_timedelta(self, value):
        return {'timedelta': [value.days, value.seconds, value.microseconds]}

    def describe_timezone(self, value):
        offset = datetime.datetime(2000, 1, 1, tzinfo=value).isoformat()[19:]
        args = value.__getinitargs__()
        return {'timezone': offset, 'name': args[1] if len(args) > 1 else None}

    def describe_list(self, value):
        # Not numbered when empty: there is but one empty tuple in Python.
        return self.numbered(value, self.items) if value else {'list': []}

    describe_tuple = describe_list

    def describe_dict(self, value):
        return self.numbered(value, self.entries)

    def describe_set(self, value):
        return {'set': sorted(json.dumps(self(item), sort_keys=True, separators=(',', ':')) for item in value)}

    describe_frozenset = describe_set

    def items(self, value):
        return {'list': [self(item) for item in value]}

    def entries(self, value):
        return {'dict': [[self(key), self(item)] for key, item in value.items()]}

    def numbered(self, value, describe):
        if id(value) in self.numbers:
            return {'again': self.numbers[id(value)]}
        self.numbers[id(value)] = len(self.numbers)
        # An id is of use only as long as there is nobody else to take it.
        self.alive.append(value)
        return describe(value)

    def describe_object(self, value):
        reduced = value.__reduce_ex__(self.protocol)
        if isinstance(reduced, str):
            return {'global': '%s.%s' % (type(value).__module__, reduced)}
        function, args, state, items, entries = (tuple(reduced) + (None,) * 3)[:5]
        kwargs = None
        if function is copyreg.__newobj__:
            function, *args = args
        elif function.__name__ == '__newobj_ex__':
            function, args, kwargs = args
        elif function is copyreg._reconstructor:
            function, base, content = args
            args = () if base is object else (content,)
        result = {'class': self.global_name(function), 'args': [self(arg) for arg in args]}
        if kwargs is not None:
            result['kwargs'] = self(kwargs)
        if state is not None:
            result['state'] = self(state)
        if items is not None:
            items = [self(item) for item in items]
            if items:
                result['items'] = items
        if entries is not None:
            entries = [[self(key), self(item)] for key, item in entries]
            if entries:
                result['entries'] = entries
        return result

    def global_name(self, value):
        module, name = value.__module__, value.__qualname__
        if self.protocol < 3:
            module, name = _compat_pickle.REVERSE_NAME_MAPPING.get((module, name), (module, name))
            module = _compat_pickle.REVERSE_IMPORT_MAPPING.get(module, module)
        return '%s.%s' % (module, name)


def number(value):
    """Whole floats are integers to JavaScript."""
    if value == 0 and math.copysign(1, value) < 0:
        return '-0'
    if math.isfinite(value) and value == int(value) and abs(value) < 2 ** 53:
        return str(int(value))
    return 'nan' if math.isnan(value) else struct.pack('>d', value).hex()


def pickled():
    """Every value in every protocol, by every pickler."""
    picklers = [('pickle', pickle.Pickler, range(6)), ('pickle in Python', pickle._Pickler, range(6)),
                ('zodbpickle', zodbpickle.pickle.Pickler, range(4)),
                ('zodbpickle in Python', zodbpickle.slowpickle.Pickler, range(4)),
                ('Python 2', Python2Pickler, range(3))]
    for kind, pickler, protocols in picklers:
        for protocol in protocols:
            for name, value in values(protocol):
                if name == 'surrogates' and protocol == 0 and kind.startswith('zodbpickle'):
                    continue
                if name == 'bytearray' and kind == 'Python 2':
                    continue
                # A functools.partial of a method stands in for what these protocols cannot say.
                if name == 'arguments by name' and protocol < 4 and not kind.startswith('zodbpickle'):
                    continue
                file = io.BytesIO()
                both = pickler(file, protocol)
                both.dump(Tame)
                both.dump(value)
                describe = Describer(protocol, ascii_is_text=kind == 'Python 2')
                yield {
                    'name': '%s, %s, protocol %s' % (name, kind, protocol),
                    'record': file.getvalue().hex(),
                    'class': 'zoo.animals.Tame',
                    'newArgs': None,
                    'state': describe(value),
                    'references': [],
                }




def stored():
    """What a real ZODB writes."""
    databases = {}
    db = ZODB.DB(MappingStorage(), databases=databases, database_name='main')
    ZODB.DB(MappingStorage(), databases=databases, database_name='other')
    connection = db.open()
    other = connection.get_connection('other')
    root = connection.root()
    foreign = other.root()['tame'] = Tame(name='foreign')
    foreign_named = other.root()['named'] = Named('foreign')
    transaction.commit()

    friend = root['friend'] = Tame(name='friend')
    root['named'] = Named('named')
    root['references'] = Tame(
        strong=friend, by_oid=root['named'], again=[friend, {'in': friend}], weak=WeakRef(friend),
        far=foreign, far_by_oid=foreign_named, far_weak=WeakRef(foreign), classes=[Tame, Plain])
    root['weak keys'] = PersistentWeakKeyDictionary({friend: 'value'})
    slotted = root['slots'] = SlottedPersistent()
    slotted.slot, slotted.free = 1, 'free'
    root['mapping'] = PersistentMapping({'a': 1, 'b': friend, 3: 'c'})
    root['empty mapping'] = PersistentMapping()
    root['list'] = PersistentList([1, 'b', friend])
    root['length'] = BTrees.Length.Length(42)
    for name, value in values(3):
        if name not in ('surrogates',):
            root['value: ' + name] = Tame(value=value)
    for family in (family32, family64):
        for letters in ('OO', 'IO', 'OI', 'II', 'IF'):
            module = getattr(family, letters)
            name = module.BTree.__name__[:2]
            integer_keys, integer_values = letters[0] == 'I', letters[1]
            for size in (0, 3, 1000):
                keys = [i * 3 if integer_keys else 'key %05d' % i for i in range(size)]
                items = [(key, i / 2 if integer_values == 'F' else i) for i, key in enumerate(keys)]
                for cls, content in ((module.BTree, items), (module.Bucket, items[:30]),
                                     (module.TreeSet, keys), (module.Set, keys[:30])):
                    tree = root['%s %s' % (cls.__name__, size)] = cls()
                    tree.update(content)
    from BTrees.fsBTree import fsBTree
    tree = root['fsBTree'] = fsBTree()
    for i in range(3):
        tree[bytes([0, i])] = bytes([i] * 6)
    root['tree of references'] = family64.IO.BTree({i: Tame(i=i) for i in range(200)})
    transaction.commit()
    yield from described(db, connection)


def described(db, connection):
    """Every object of a database, found by its references."""
    storage = db.storage
    pending = [connection.root()._p_oid]
    seen = set()
    while pending:
        oid = pending.pop(0)
        if oid in seen:
            continue
        seen.add(oid)
        data = storage.load(oid)[0]
        references = referencesf(data)
        pending += references
        obj = connection.get(oid)
        obj._p_activate()
        new_args = getattr(obj, '__getnewargs__', None)
        describe = Describer(3, persistent=Referrer(connection))
        yield {
            'name': 'stored %s %s' % (type(obj).__name__, oid.hex()),
            'record': data.hex(),
            'class': '%s.%s' % (type(obj).__module__, type(obj).__qualname__),
            'newArgs': None if new_args is None else [describe(arg) for arg in new_args()],
            'state': describe(obj.__getstate__()),
            'references': [reference.hex() for reference in references],
            'content': content(obj, Describer(3, persistent=Referrer(connection))),
        }


class Referrer:

    def __init__(self, connection):
        self.connection = connection

    def __call__(self, value):
        if isinstance(value, WeakRef):
            return self.reference(value.oid, None, value.dm, weak=True)
        # Buckets that are stored with their tree have no oid.
        if not isinstance(value, Persistent) and not hasattr(value, '_p_oid') or isinstance(value, type):
            return None
        cls = None if hasattr(type(value), '__getnewargs__') else Describer(3).global_name(type(value))
        return self.reference(value._p_oid, cls, value._p_jar, weak=False)

    def reference(self, oid, cls, jar, weak):
        database = None if jar is self.connection else jar.db().database_name
        return {'reference': oid.hex(), 'class': cls, 'database': database, 'weak': weak}


def content(obj, describe):
    """What a container holds, asked through its own methods; None where that is in other records."""
    kind = type(obj).__name__
    if isinstance(obj, PersistentMapping):
        return {'mapping': [[describe(key), describe(value)] for key, value in obj.items()]}
    if isinstance(obj, PersistentList):
        return {'list': [describe(value) for value in obj]}
    if not type(obj).__module__.startswith('BTrees.') or kind == 'Length':
        return None
    state = obj.__getstate__()
    if kind.endswith('Tree') or kind.endswith('TreeSet'):
        if state is not None and len(state) == 2:
            return {'tree': [describe(node) for node in state[0]], 'first': describe(state[1])}
    leaf = state if kind.endswith('Bucket') or kind.endswith('Set') and not kind.endswith('TreeSet') else None
    further = describe(leaf[1]) if leaf is not None and len(leaf) == 2 else None
    if kind.endswith('Set'):
        return {'set': [describe(key) for key in obj], 'next': further}
    return {'bucket': [[describe(key), describe(value)] for key, value in obj.items()], 'next': further}


print(json.dumps([*pickled(), *stored()]))
