# What the rules below are made of. Lengths are whole database units (1 nm), places are those of the top cell.
# The same meaning as `cpo check`: distances are Euclidian, between the edges of merged polygons; sides that make 60
# degrees or more are a corner and no width or gap; the corner of a slanted edge is rounded to the grid, so that two such
# edges may measure 1.42 nm less than the limit, while two edges along x or y longer than 1 um may not.
checks = Class.new do

  def initialize(drc, numbers)
    @drc, @numbers = drc, numbers
    @layout, @top = drc.source.layout, drc.source.cell_obj
    @merged, @borders, @here = {}, {}, {}
    @counts, @seconds = {}, {}
  end

  # -- what there is ---------------------------------------------------------------------------------------------------

  # How often each cell stands under the top cell, by cell index, callers before callees.
  def placements
    @placements ||= begin
      below = (@top.called_cells + [@top.cell_index]).map { |index| [index, true] }.to_h
      times = Hash.new(0)
      times[@top.cell_index] = 1
      @layout.each_cell_top_down do |index|
        next unless below[index]
        @layout.cell(index).each_inst { |inst| times[inst.cell_index] += times[index] * inst.size }
      end
      times
    end
  end

  # Number of shapes by layer name, every instance counted; only layers that hold any.
  def shapes
    @shapes ||= @numbers.keys.map do |name|
      index = index_of(name)
      [name, index ? placements.sum { |cell, times| times * @layout.cell(cell).shapes(index).size } : 0]
    end.to_h.select { |_, number| number > 0 }
  end

  # Why there is nothing that could be checked; nil when there is.
  def refusal
    tops = @layout.top_cells.select { |cell| !cell.bbox.empty? }
    if (@layout.dbu / 0.001 - 1.0).abs > 1e-9
      "database unit #{@layout.dbu} um, must be 0.001 um; scale the layout first"
    elsif tops.size > 1 && @top.is_top?
      "#{tops.size} top cells (#{tops.map(&:name).sort.first(8).join(', ')}), 1 allowed; keep one"
    elsif shapes.empty?
      "no shape on any layer of the process under #{@top.name}; nothing was looked at"
    end
  end

  def index_of(name)
    @layout.find_layer(*@numbers.fetch(name))
  end

  # Runs one rule: what its block gives becomes the markers of the category `name`.
  def rule(name, meaning)
    start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    found = yield self
    found = found.is_a?(Array) ? RBA::EdgePairs::new(found) : flat(found)
    @drc.output(DRC::DRCLayer::new(@drc, found), name, meaning)
    @counts[name] = found.count
    @seconds[name] = Process.clock_gettime(Process::CLOCK_MONOTONIC) - start
  end

  # A marker over everything: the run ended before the last rule.
  def stopped(fault)
    where = frame(@top.bbox)
    all = DRC::DRCLayer::new(@drc, RBA::EdgePairs::new([where]))
    @drc.output(all, "NOT.FINISHED", "stopped after #{@counts.size} rules, the others were not checked: #{fault}")
  end

  # What was done and what was not, in the output of the run.
  def summary(elsewhere)
    slowest, seconds = @seconds.max_by { |_, time| time }
    violated = @counts.select { |_, number| number > 0 }
    lines = ["#{shapes.values.sum} shapes on #{shapes.size} layers against #{@counts.size} rules: " +
             "#{@counts.values.sum} markers of #{violated.size} rules" + (violated.empty? ? "" : ":")]
    lines += violated.map { |name, number| "  #{name} #{number}" }
    lines << "slowest: #{slowest}, #{'%.1f' % seconds} s"
    unless elsewhere.empty?
      lines << "not in this deck, run cpo check: #{elsewhere.size} rules (#{elsewhere.join(', ')})"
    end
    lines.each { |line| $stdout.puts("cpo: #{line}") }
    $stdout.flush
  end

  # -- layers ----------------------------------------------------------------------------------------------------------

  # Merged polygons of a layer.
  def merged(name)
    @merged[name] ||= @drc.polygons(*@numbers.fetch(name)).merged.raw
  end

  # Their edges, material on the right.
  def borders(name)
    @borders[name] ||= merged(name).edges.raw
  end

  # Merged polygons of a layer around a box.
  def around(name, box)
    index = index_of(name)
    return RBA::Region::new unless index
    RBA::Region::new(RBA::RecursiveShapeIterator::new(@layout, @top, [index], box)).merged
  end

  # A copy in the coordinates of the top cell. While Ruby walks through a deep collection, the memory that Ruby frees
  # meanwhile may change the hierarchy under it: it is copied in one go.
  def flat(data)
    copy = data.class::new
    copy.merged_semantics = false if copy.respond_to?(:merged_semantics=)
    copy.insert(data)
    copy
  end

  # What a collection holds, one by one.
  def each_of(data)
    flat(data).each { |thing| yield thing }
  end

  def options
    [@drc.euclidian, @drc.whole_edges, @drc.angle_limit(60.0)]
  end

  # -- kinds of rules --------------------------------------------------------------------------------------------------

  def width(name, limit)
    near(borders(name).width(limit, *options), name, limit, true) +
      pointed(notches(name), name, limit, true)
  end

  def space(name, limit)
    near(borders(name).space(limit, *options), name, limit, false) +
      pointed(needles(name), name, limit, false)
  end

  def separation(first, second, limit)
    short(borders(first).separation(borders(second), limit, *options), limit) +
      pointed(needles(first), second, limit) + pointed(needles(second), first, limit) +
      boxes(merged(first) & merged(second))
  end

  def enclosure(inner, outer, limit)
    pairs = borders(outer).enclosing(borders(inner), limit, *options)
    found = each_short(pairs, limit).map { |pair, _| RBA::EdgePair::new(pair.second, pair.second) }
    found + pointed(needles(inner), outer, limit) + pointed(notches(outer), inner, limit) +
      boxes(without_slivers(merged(inner) - merged(outer)))
  end

  def overlap(first, second, limit)
    shared = (merged(first) & merged(second)).merged.edges.raw
    short(shared.width(limit, *options), limit) +
      short(borders(first).overlap(borders(second), limit, *options), limit)
  end

  def inside(inner, covers)
    cover = covers.map { |name| merged(name) }.inject { |all, more| all + more }
    without_slivers(merged(inner) - cover).data
  end

  def area(name, limit)
    merged(name).data.with_area(0, limit, false)
  end

  # Corners off the grid, and whatever is turned or scaled so that its corners fall off it.
  def grid(names, step)
    found = []
    if step > 1
      names.each do |name|
        @drc.polygons(*@numbers.fetch(name)).raw.ongrid(step).data.each { |pair| found << pair.dup }
      end
    end
    found + turned(names.map { |name| index_of(name) }.compact)
  end

  def angle(names, limit)
    names.flat_map do |name|
      corners = []
      each_of(merged(name).data) do |polygon|
        loops = [polygon.each_point_hull.to_a]
        polygon.holes.times { |hole| loops << polygon.each_point_hole(hole).to_a }
        loops.each { |points| corners += sharp(points, limit) }
      end
      corners.map { |corner| frame(RBA::Box::new(corner, corner).enlarged(10, 10)) }
    end
  end

  def collision(names, limit)
    all = RBA::Region::new
    names.map { |name| index_of(name) }.compact.each do |index|
      all.insert(RBA::RecursiveShapeIterator::new(@layout, @top, index))
    end
    opening = [1, limit / 2].max
    all.merged_semantics = false
    all.merged(false, 2).sized(-opening).sized(opening)
  end

  # -- pairs of edges --------------------------------------------------------------------------------------------------

  # How much less than the limit two edges may measure when one of them was rounded.
  def rounding
    Math.sqrt(2.0) + 1e-6
  end

  # Smallest distance of two edges.
  def distance(a, b)
    return 0.0 if a.respond_to?(:intersects?) ? a.intersects?(b) : a.intersect?(b)
    [to_edge(a.p1, b), to_edge(a.p2, b), to_edge(b.p1, a), to_edge(b.p2, a)].min
  end

  def to_edge(point, edge)
    dx, dy = edge.x2 - edge.x1, edge.y2 - edge.y1
    square = dx * dx + dy * dy
    share = square == 0 ? 0.0 : ((point.x - edge.x1) * dx + (point.y - edge.y1) * dy).fdiv(square).clamp(0.0, 1.0)
    Math.hypot(point.x - edge.x1 - share * dx, point.y - edge.y1 - share * dy)
  end

  # True for an edge along x or y that is no facet of a curve: it lies where it was drawn.
  def exact?(edge)
    (edge.x1 == edge.x2 || edge.y1 == edge.y2) && edge.length > 1000
  end

  # Pairs that are nearer than the limit by more than rounding explains, with their distance.
  def each_short(pairs, limit)
    found = []
    each_of(pairs.data) do |pair|
      gap = distance(pair.first, pair.second)
      allowed = exact?(pair.first) && exact?(pair.second) ? limit : limit - rounding
      found << [pair.dup, gap] if gap < allowed
    end
    found
  end

  def short(pairs, limit)
    each_short(pairs, limit).map { |pair, _| shown(pair, limit) }
  end

  # Pairs of one layer with material between them or without. Edges that meet in a corner count only as a pointed end
  # of the material; edges that don't lie across each other only as a neck or a gap between two corners.
  def near(pairs, name, limit, material)
    kept = each_short(pairs, limit).select do |pair, gap|
      a, b = pair.first, pair.second
      next false if meet?(a, b) && !material
      beside = gap > 0 && !(across(a, b) > 1.0 || across(b, a) > 1.0)
      !beside || nearest_ends(a, b).all? { |corner| reflex?(name, corner) == material }
    end
    kept.map { |pair, _| shown(pair, limit) }
  end

  def meet?(a, b)
    [a.p1, a.p2].any? { |end_a| [b.p1, b.p2].any? { |end_b| end_a == end_b } }
  end

  # Length of the projection of `a` on `b` that falls on `b`.
  def across(a, b)
    dx, dy = b.x2 - b.x1, b.y2 - b.y1
    length = Math.hypot(dx, dy)
    return 0.0 if length == 0
    first = ((a.x1 - b.x1) * dx + (a.y1 - b.y1) * dy) / length
    last = ((a.x2 - b.x1) * dx + (a.y2 - b.y1) * dy) / length
    [[first, last].max, length].min - [[first, last].min, 0.0].max
  end

  def nearest_ends(a, b)
    [a.p1, a.p2].product([b.p1, b.p2]).min_by { |p, q| p.sq_distance(q) }
  end

  # True when more than half of the surroundings of a corner is material.
  def reflex?(name, corner)
    @here[[name, corner.x, corner.y]] ||= begin
      box = RBA::Box::new(corner, corner).enlarged(20, 20)
      (around(name, box) & RBA::Region::new(box)).area > 0.5 * box.area ? :inner : :outer
    end
    @here[[name, corner.x, corner.y]] == :inner
  end

  # The parts of two whole edges that are within the limit of each other.
  def shown(pair, limit)
    a, b = pair.first, pair.second
    RBA::EdgePair::new(a.clipped(b.bbox.enlarged(limit, limit)) || a, b.clipped(a.bbox.enlarged(limit, limit)) || b)
  end

  # -- pointed corners: what pairs of edges can't see ------------------------------------------------------------------

  # Corners of the material below 61 degrees.
  def needles(name)
    dots(merged(name).data.corners_dots(-180.0, -119.0, true, true))
  end

  # Corners of the gaps in the material below 61 degrees.
  def notches(name)
    dots(merged(name).data.corners_dots(119.0, 180.0, true, true))
  end

  def dots(edges)
    corners = []
    each_of(edges) { |edge| corners << edge.p1 }
    corners
  end

  # Corners nearer than the limit to an edge of a layer that doesn't end in them; `through`: whether the way there has to
  # lead through material (a width) or not (a gap); nil when it doesn't matter.
  def pointed(corners, name, limit, through = nil)
    found = []
    corners.each do |corner|
      region = around(name, RBA::Box::new(corner, corner).enlarged(limit, limit))
      worst = nil
      region.edges.each do |edge|
        gap = to_edge(corner, edge)
        next if edge.p1 == corner || edge.p2 == corner || gap >= limit - rounding || (worst && gap >= worst[0])
        foot = foot_on(edge, corner)
        middle = RBA::Point::new((corner.x + foot.x).div(2), (corner.y + foot.y).div(2))
        next if through != nil && region.each.any? { |polygon| polygon.inside?(middle) } != through
        worst = [gap, foot]
      end
      found << frame(RBA::Box::new(corner, worst[1])) if worst
    end
    found
  end

  def foot_on(edge, point)
    dx, dy = edge.x2 - edge.x1, edge.y2 - edge.y1
    square = dx * dx + dy * dy
    share = square == 0 ? 0.0 : ((point.x - edge.x1) * dx + (point.y - edge.y1) * dy).fdiv(square).clamp(0.0, 1.0)
    RBA::Point::new((edge.x1 + share * dx).round, (edge.y1 + share * dy).round)
  end

  # -- corners and areas -----------------------------------------------------------------------------------------------

  # Corners of a contour sharper than `limit` degrees; jogs of up to 10 nm are passed over.
  def sharp(points, limit)
    kept = points.each_index.select { |i| points[i].distance(points[i - 1]) > 10 }.map { |i| points[i] }
    kept = points if kept.size < 3
    kept.each_index.select do |i|
      here, last, following = kept[i], kept[i - 1], kept[(i + 1) % kept.size]
      bx, by, ax, ay = last.x - here.x, last.y - here.y, following.x - here.x, following.y - here.y
      Math.atan2((bx * ay - by * ax).abs, bx * ax + by * ay) * 180.0 / Math::PI < limit - 0.5
    end.map { |i| kept[i] }
  end

  # Slivers of up to 2 nm are the rounding of slanted edges.
  def without_slivers(layer)
    layer.merged.sized(-1).sized(1)
  end

  def boxes(layer)
    found = []
    each_of(layer.merged.data) { |polygon| found << frame(polygon.bbox) }
    found
  end

  # A box as two of its sides.
  def frame(box)
    left = RBA::Edge::new(box.left, box.bottom, box.left, box.top)
    RBA::EdgePair::new(left, RBA::Edge::new(box.right, box.top, box.right, box.bottom))
  end

  # Instances that are turned by other than 90 degrees, or scaled, and hold a shape on one of the layers.
  def turned(indexes)
    holds = {}
    @layout.each_cell_bottom_up do |index|
      cell = @layout.cell(index)
      own = indexes.any? { |layer| !cell.shapes(layer).is_empty? }
      holds[index] = own || cell.each_child_cell.any? { |child| holds[child] }
    end
    guilty = {}
    placements.each_key do |index|
      boxes = []
      @layout.cell(index).each_inst { |inst| boxes << inst.bbox if holds[inst.cell_index] && inst.is_complex? }
      guilty[index] = boxes unless boxes.empty?
    end
    guilty.empty? ? [] : places_of(guilty)
  end

  def places_of(guilty)
    above = guilty.keys.flat_map { |index| [index] + @layout.cell(index).caller_cells }.map { |index| [index, true] }.to_h
    found = []
    walk = lambda do |index, to_top|
      (guilty[index] || []).each { |box| found << frame(box.transformed(to_top)) }
      @layout.cell(index).each_inst do |inst|
        next unless above[inst.cell_index]
        array = inst.cell_inst
        [1, array.na].max.times do |i|
          [1, array.nb].max.times do |j|
            step = RBA::ICplxTrans::new(array.a * i + array.b * j)
            walk.call(inst.cell_index, to_top * step * array.cplx_trans)
          end
        end
      end
    end
    walk.call(@top.cell_index, RBA::ICplxTrans::new)
    found
  end
end
