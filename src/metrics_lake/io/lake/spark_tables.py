"""The Delta tables, behind one object. Each commit of a job has its progress: what it had read."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metrics_lake.config.storage_urls import uri_of
from metrics_lake.io.lake.commit_log import CommitLog, Progress
from metrics_lake.io.storage import abfs
from metrics_lake.io.storage.failpoints import passing
from metrics_lake.model.tables import Table, View


class SparkTables:
    """Reads and replaces tables below one root."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self.spark, self.root, self.commit_log = spark, root, CommitLog(root)
        abfs.open_for(spark, root)

    def path(self, table: Table) -> str:
        """The table as Spark opens it."""
        return uri_of(f"{self.root}/{table.path}")

    def exists(self, table: Table) -> bool:
        return self.commit_log.version(table) >= 0

    def read(self, table: Table | View) -> DataFrame:
        """A table's rows; of a view, the rows of its kind with the columns that the kind fills."""
        if isinstance(table, View):
            rows = self.read(table.of).where(F.col("row_kind") == table.kind)
            return rows.select(*(column.name for column in table.fields))
        if not self.exists(table):
            return self.spark.createDataFrame([], table.ddl.replace(" NOT NULL", ""))
        return self.spark.read.format("delta").load(self.path(table))

    def replace(self, table: Table, rows: DataFrame, where: str, progress: Progress) -> None:
        """In one commit: the rows that fit `where` go, `rows` come. Doing it again changes nothing."""
        writer = (
            self._shaped(table, rows)
            .write.format("delta")
            .mode("overwrite")
            .option("userMetadata", progress.as_text())
            .partitionBy(*table.partitioned_by)
        )
        writer = writer.option("replaceWhere", where) if self.exists(table) else writer.options(**table.properties)
        passing(f"replacing {table.name}")
        writer.save(self.path(table))
        passing(f"replaced {table.name}")

    def _shaped(self, table: Table, rows: DataFrame) -> DataFrame:
        """The rows with just the declared columns, types and comments; another type is an error of the job."""
        types = dict(rows.dtypes)
        for column in table.fields:
            declared = column.type.lower().replace(" ", "")
            if types.get(column.name, "").replace(" ", "") != declared:
                raise TypeError(f"{table.name}.{column.name}: declared {declared}, made {types.get(column.name)}")
        commented = (F.col(c.name).alias(c.name, metadata={"comment": c.comment}) for c in table.fields)
        return rows.select(*commented)
