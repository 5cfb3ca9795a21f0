from django.db import migrations, models

from allegro_queue.history import search_index


class Migration(migrations.Migration):

    dependencies = [
        ('allegro_queue', '0002_schedule_entries'),
    ]

    operations = [
        migrations.CreateModel(
            name='Collected',
            fields=[
                ('id', models.IntegerField(primary_key=True, serialize=False)),
                ('position', models.CharField(max_length=50)),
                ('read', models.BigIntegerField()),
                ('runs', models.BigIntegerField()),
                ('duplicates', models.BigIntegerField()),
                ('unreadable', models.BigIntegerField()),
                ('last_unreadable', models.CharField(max_length=500)),
                ('missed', models.BigIntegerField()),
                ('collected_at', models.FloatField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Gap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_at', models.FloatField()),
                ('to_at', models.FloatField()),
                ('missed', models.BigIntegerField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='MonitoredTag',
            fields=[
                ('tag', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('since', models.FloatField()),
                ('by', models.CharField(max_length=200)),
                ('succeeded', models.BigIntegerField(default=0)),
                ('failed', models.BigIntegerField(default=0)),
                ('retried', models.BigIntegerField(default=0)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='RunTag',
            fields=[
                ('pk', models.CompositePrimaryKey('tag', 'run_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('tag', models.CharField(max_length=100)),
                ('run_id', models.BigIntegerField(db_index=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='FailureGroup',
            fields=[
                ('fingerprint', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('exception', models.CharField(max_length=200)),
                ('message', models.CharField(max_length=500)),
                ('frame', models.CharField(max_length=200)),
                ('count', models.BigIntegerField()),
                ('first_at', models.FloatField()),
                ('last_at', models.FloatField()),
                ('first_version', models.CharField(max_length=200)),
                ('last_run', models.BigIntegerField()),
                ('state', models.CharField(max_length=10)),
                ('muted_until', models.FloatField(default=0)),
                ('changed_at', models.FloatField()),
                ('changed_by', models.CharField(max_length=200)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['last_at'], name='horizon_group_last'), models.Index(fields=['state', 'last_at'], name='horizon_group_state')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('execution_id', models.CharField(max_length=64, unique=True)),
                ('job_id', models.CharField(max_length=200)),
                ('name', models.CharField(max_length=200)),
                ('queue', models.CharField(max_length=200)),
                ('supervisor', models.CharField(max_length=200)),
                ('worker', models.CharField(max_length=200)),
                ('host', models.CharField(max_length=200)),
                ('tenant', models.CharField(max_length=200)),
                ('batch', models.CharField(max_length=200)),
                ('tags', models.TextField()),
                ('attempt', models.IntegerField()),
                ('enqueued_at', models.FloatField()),
                ('started_at', models.FloatField()),
                ('ended_at', models.FloatField()),
                ('outcome', models.CharField(max_length=10)),
                ('silenced', models.BooleanField()),
                ('exception', models.CharField(max_length=200)),
                ('message', models.CharField(max_length=500)),
                ('traceback', models.TextField()),
                ('fingerprint', models.CharField(max_length=32)),
                ('arguments', models.TextField()),
                ('version', models.CharField(max_length=200)),
                ('words', models.TextField()),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['outcome', 'id'], name='horizon_run_outcome'), models.Index(fields=['queue', 'id'], name='horizon_run_queue'), models.Index(fields=['name', 'id'], name='horizon_run_name'), models.Index(fields=['job_id', 'id'], name='horizon_run_job'), models.Index(condition=models.Q(('tenant', ''), _negated=True), fields=['tenant', 'id'], name='horizon_run_tenant'), models.Index(condition=models.Q(('batch', ''), _negated=True), fields=['batch', 'id'], name='horizon_run_batch'), models.Index(condition=models.Q(('exception', ''), _negated=True), fields=['exception', 'id'], name='horizon_run_exception'), models.Index(condition=models.Q(('fingerprint', ''), _negated=True), fields=['fingerprint', 'id'], name='horizon_run_fingerprint'), models.Index(condition=models.Q(('silenced', True)), fields=['silenced', 'id'], name='horizon_run_silenced')],
            },
        ),
        migrations.CreateModel(
            name='Series',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=10)),
                ('name', models.CharField(max_length=200)),
                ('seconds', models.IntegerField()),
                ('starts_at', models.BigIntegerField()),
                ('started', models.BigIntegerField(default=0)),
                ('succeeded', models.BigIntegerField(default=0)),
                ('failed', models.BigIntegerField(default=0)),
                ('retried', models.BigIntegerField(default=0)),
                ('stopped', models.BigIntegerField(default=0)),
                ('run_seconds', models.FloatField(default=0)),
                ('run_longest', models.FloatField(default=0)),
                ('run_times', models.TextField(default='')),
                ('waited', models.BigIntegerField(default=0)),
                ('wait_seconds', models.FloatField(default=0)),
                ('wait_longest', models.FloatField(default=0)),
                ('wait_times', models.TextField(default='')),
                ('sampled_at', models.FloatField(null=True)),
                ('depth', models.BigIntegerField(null=True)),
                ('oldest_seconds', models.FloatField(null=True)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['seconds', 'starts_at'], name='horizon_series_time')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'name', 'seconds', 'starts_at'), name='horizon_series_one')],
            },
        ),
        migrations.RunPython(search_index.create, search_index.drop),
    ]
